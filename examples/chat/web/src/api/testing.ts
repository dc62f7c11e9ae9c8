// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

export * from "./parlor/testing";
