/** What lists, counts and feeds have in common: whose sessions are meant, and where to go on. */

/** A place in a list. Only the store that made it can read it; safe in a URL. */
export type Cursor = string

/**
 * Whose sessions are meant; those with a reserved id (`session/reserved-id.ts`) never are. `app`: those
 * of this app (`appOf` their id); undefined for those of all apps. The sessions of the app without a
 * name alone cannot be asked for: its back ends see all apps. `sub`: those of this user, within the app
 * or in all apps; undefined for those of everybody.
 */
export type Selection = { readonly app: string | undefined; readonly sub: string | undefined }
