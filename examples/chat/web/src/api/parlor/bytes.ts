// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/** The bytes of the text's UTF-8, as characters. React Native may have no `TextEncoder`. */
const utf8 = (text: string) => unescape(encodeURIComponent(text));

/** The length in bytes of the UTF-8 of JSON, which has no lone surrogates. */
export const byteLength = (json: string): number => utf8(json).length;

/** Base64url of the text's UTF-8, without padding. */
export const base64url = (text: string): string =>
  btoa(utf8(text)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
