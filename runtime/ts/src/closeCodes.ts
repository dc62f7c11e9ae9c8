/**
 * The close codes below 4000 after which a client does not reconnect, from this table. From 4000 on,
 * these are 4500-4999.
 *
 * | code | sent by | reconnect? | resume? | meaning |
 * | ---: | --- | --- | --- | --- |
 * | 1000 | both | no | no | finished |
 * | 1001 | both | yes | yes | going away |
 * | 1002 | both | yes | no | not the WebSocket protocol |
 * | 1003 | both | yes | no | a kind of data that is not accepted |
 * | 1005 | neither | yes | no | closed without a code |
 * | 1006 | neither | yes | yes | lost without a close frame |
 * | 1007 | both | yes | no | invalid UTF-8 |
 * | 1008 | server | no | no | too many malformed messages in a row |
 * | 1009 | both | yes | no | a message larger than the limit |
 * | 1011 | server | yes | no | a handler panicked |
 * | 1012 | server | yes | no | the server restarts |
 * | 1013 | server | yes | yes | try again later |
 * | 4000 | server | yes | yes | too slow: the outbox was full |
 * | 4001 | both | yes | yes | heartbeat missed |
 * | 4002 | server | yes | yes | the connection limit of the procedure is reached |
 * | 4003 | server | yes | yes | refused for now by the application |
 * | 4500 | server | no | no | disconnected by the application |
 * | 4501 | server | no | no | not authenticated |
 * | 4502 | server | no | no | no procedure at this path |
 * | 4503 | server | no | no | this Origin or Host is not allowed |
 * | 4504 | server | no | no | the contract is broken |
 * | 4505 | server | no | no | forbidden |
 * | 4506 | server | no | no | the request is wrong, such as its query |
 */
export const finalCodes: readonly number[] = [1000, 1008];

/** The close codes below 4500 that end the session. From 4500 on, all do. */
export const lostCodes: readonly number[] = [1000, 1002, 1003, 1005, 1007, 1008, 1009, 1011, 1012];
