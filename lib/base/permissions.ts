/**
 * Lets go of every right that Node's permission model knows, for this thread and for good: from
 * here on its code starts no process and no thread, loads no addon or module, opens no file and no
 * connection; `except` names the one right that it keeps. Without `--permission` there is nothing to
 * let go of.
 *
 * What this does not reach: what is open stays open, so the listening socket goes on taking
 * connections, and a descriptor of the data file still reads and writes it through `node:fs`. SQLite
 * opens its files by itself, so code that gets hold of a database can attach another. Signals to
 * processes of the same user are not covered. Node calls its model a seat belt, and no wall against
 * code that means harm: that is the operating system's part.
 */
export function dropPermissions({ except }: { readonly except?: 'fs.read' } = {}): void {
  // Undefined without the flag, whatever its type says.
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
