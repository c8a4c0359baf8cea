/**
 * Drops every right of Node's permission model for this thread, for good, except for the one named:
 * its code can no longer start processes or threads, load addons or modules, or open files or
 * connections. Without `--permission` this does nothing.
 *
 * Not covered: open sockets and files stay usable, SQLite opens files by itself, so that code with a
 * database can attach another, and signals to processes of the same user. Node calls its model a seat
 * belt; the wall against malicious code is the operating system's part.
 */
export function dropPermissions({ except }: { readonly except?: 'fs.read' } = {}): void {
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
