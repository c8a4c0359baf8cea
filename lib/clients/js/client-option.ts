import { type Client, type ClientOptions, createClient } from './client.ts'

/** A client that there is already, of any kind of data, or the options of one that is made. */
export type ClientOption =
  { readonly client: { readonly sessions: object; close(): void } } | ClientOptions

/** Throws `invalid_argument` for options that cannot work, or none. */
export function clientOf(options: ClientOption): Client<never> {
  return hasClient(options) ? (options.client as Client<never>) : createClient<never>(options)
}

function hasClient(options: ClientOption): options is Exclude<ClientOption, ClientOptions> {
  const given: unknown = options
  return typeof given === 'object' && given !== null && 'client' in given
}
