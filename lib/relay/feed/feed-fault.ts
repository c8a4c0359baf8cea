/** Why there is no stream now; a later attempt may have one. The message is one of ours, never the server's. */
export class FeedFault extends Error {
  override readonly name = 'FeedFault'
}
