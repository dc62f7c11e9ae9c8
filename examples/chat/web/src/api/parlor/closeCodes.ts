// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The close codes below 4000 after which a client does not connect again, of this table. Of those
 * above, it is 4500-4999.
 *
 * | code | sent by | come back? | meaning |
 * | ---: | --- | --- | --- |
 * | 1000 | both | no | finished |
 * | 1001 | both | yes | going away |
 * | 1002 | both | yes | not the WebSocket protocol |
 * | 1003 | both | yes | a kind of data that is not taken |
 * | 1005 | nobody | yes | closed without a code |
 * | 1006 | nobody | yes | lost without a close frame |
 * | 1007 | both | yes | invalid UTF-8 |
 * | 1008 | server | no | too many malformed messages in a row |
 * | 1009 | both | yes | a message larger than the limit |
 * | 1011 | server | yes | a handler panicked |
 * | 1012 | server | yes | the server restarts |
 * | 1013 | server | yes | try again later |
 * | 4000 | server | yes | too slow: the outbox was full |
 * | 4001 | both | yes | heartbeat missed |
 * | 4002 | server | yes | the procedure has as many connections as it may |
 * | 4003 | server | yes | refused for now by the application |
 * | 4500 | server | no | disconnected by the application |
 * | 4501 | server | no | not authenticated |
 * | 4502 | server | no | no procedure at this path |
 * | 4503 | server | no | this Origin or Host is not allowed |
 * | 4504 | server | no | the contract is broken |
 * | 4505 | server | no | forbidden |
 */
export const finalCodes: readonly number[] = [1000, 1008];
