/**
 * The close codes below 4000 after which a client does not connect again, of this table. Of those
 * above, it is 4500-4999.
 *
 * | code | sent by | come back? | resume? | meaning |
 * | ---: | --- | --- | --- | --- |
 * | 1000 | both | no | no | finished |
 * | 1001 | both | yes | yes | going away |
 * | 1002 | both | yes | no | not the WebSocket protocol |
 * | 1003 | both | yes | no | a kind of data that is not taken |
 * | 1005 | nobody | yes | no | closed without a code |
 * | 1006 | nobody | yes | yes | lost without a close frame |
 * | 1007 | both | yes | no | invalid UTF-8 |
 * | 1008 | server | no | no | too many malformed messages in a row |
 * | 1009 | both | yes | no | a message larger than the limit |
 * | 1011 | server | yes | no | a handler panicked |
 * | 1012 | server | yes | no | the server restarts |
 * | 1013 | server | yes | yes | try again later |
 * | 4000 | server | yes | yes | too slow: the outbox was full |
 * | 4001 | both | yes | yes | heartbeat missed |
 * | 4002 | server | yes | yes | the procedure has as many connections as it may |
 * | 4003 | server | yes | yes | refused for now by the application |
 * | 4500 | server | no | no | disconnected by the application |
 * | 4501 | server | no | no | not authenticated |
 * | 4502 | server | no | no | no procedure at this path |
 * | 4503 | server | no | no | this Origin or Host is not allowed |
 * | 4504 | server | no | no | the contract is broken |
 * | 4505 | server | no | no | forbidden |
 */
export const finalCodes: readonly number[] = [1000, 1008];

/** Those below 4500 after which the session is gone. Of those above, it is all. */
export const lostCodes: readonly number[] = [1000, 1002, 1003, 1005, 1007, 1008, 1009, 1011, 1012];
