/** The runs of the feed, which give its cursors their meaning: one begins with each start of a server. */
import type Database from 'better-sqlite3'
import { nanoid } from 'nanoid'
import type { FeedRun } from '../../store/feed-cursor.ts'

/** In random bits: 36. They only have to differ from those of the same file and its copies. */
const NAME_LENGTH = 6

/** A cursor older than so many starts is forgotten. */
const KEPT_RUNS = 100

/**
 * As a server starts. Where it keeps no events there is no run any more, and no event; else a new one
 * begins.
 */
export function beginRun(database: Database.Database, keepsEvents: boolean): void {
  const begin = database.transaction(() => {
    if (!keepsEvents || listRuns(database).length === 0) forgetFeed(database)
    if (!keepsEvents) return
    database
      .prepare(
        `insert into feed_runs (name, after)
         values (?, (select coalesce(max(number), 0) from events))`,
      )
      .run(nanoid(NAME_LENGTH))
    database
      .prepare('delete from feed_runs where number <= (select max(number) from feed_runs) - ?')
      .run(KEPT_RUNS)
  })
  begin.immediate()
}

/** After sessions have changed without events: every cursor is one of another feed from then on. */
export function forgetFeed(database: Database.Database): void {
  const forget = database.transaction(() => {
    database.exec('delete from events; delete from feed_runs')
  })
  forget.immediate()
}

/** Where there is none, no events are kept. */
export function listRuns(database: Database.Database): readonly FeedRun[] {
  return database.prepare<[], FeedRun>('select name, after from feed_runs order by number').all()
}
