/**
 * Drops every right of Node's permission model for this thread, for good, except for the one named.
 * Without `--permission` this does nothing. What is open stays usable, and SQLite opens files by
 * itself: Node calls its model a seat belt, the wall is the operating system's part.
 */
export function dropPermissions({
  except,
}: { readonly except?: 'fs.read' | 'net' | undefined } = {}): void {
  // Undefined without `--permission`, unlike its type.
  const permission: typeof process.permission | undefined = process.permission
  // control: permissions-dropped
  for (const scope of SCOPES) if (scope !== except) permission?.drop(scope)
}

const SCOPES = [
  'fs.read',
  'fs.write',
  'addon',
  'worker',
  'net',
  'child',
  'inspector',
  'wasi',
  'ffi',
]
