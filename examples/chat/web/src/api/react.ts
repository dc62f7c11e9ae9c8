// Written by Parlor from the procedures of the server; do not edit.
export * from "./parlor/react";
