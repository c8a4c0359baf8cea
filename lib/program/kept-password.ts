import { keepFile } from '../base/kept-file.ts'
import { type Database, passwordIn } from '../settings/data.ts'

/**
 * The password of the database. One in a file is read anew for each connection, so that it can be changed below a
 * running server; the last that was read counts while there is none.
 */
export function keepPassword({
  password,
  passwordPath,
}: Pick<Database, 'password' | 'passwordPath'>): string | (() => Promise<string>) | undefined {
  if (password === undefined || passwordPath === undefined) return password
  const file = keepFile(passwordPath)
  let last = password
  return async () => {
    const found = passwordIn((await file.read()) ?? '')
    // control: password-read-anew
    if (found !== '') last = found
    return last
  }
}
