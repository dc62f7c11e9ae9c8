// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

const encode = (text: string) => new TextEncoder().encode(text);

/** The text's length in bytes of UTF-8. */
export const byteLength = (text: string): number => encode(text).length;

/** Base64url of the text's UTF-8, without padding. */
export const base64url = (text: string): string =>
  btoa(String.fromCharCode(...encode(text)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
