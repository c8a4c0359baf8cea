// `node express-sqlite.js FILE`
import Database from 'better-sqlite3'
import createSqliteStore from 'better-sqlite3-session-store'
import session from 'express-session'
import { listen } from './express-app.js'

const SqliteStore = createSqliteStore(session)
const client = new Database(process.argv[2])
// What is answered is on disk, as Coatcheck has it.
client.pragma('journal_mode = wal')
client.pragma('synchronous = full')
listen(new SqliteStore({ client }))
