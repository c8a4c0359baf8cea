/**
 * The contract of a store as the commands see it: opened by an operator, for a moment, beside the servers
 * that run on the same storage or without one. Operators are held to no limits. Whatever makes long work
 * bearable for those servers, such as slices and pauses, is the store's business.
 */
import type { Session } from '../session/session.ts'
import type { KeyStore } from './key-store.ts'
import type { Selection } from './selection.ts'
import type { EndedCount, Store } from './store.ts'

/** For commands that only read: they see each tombstone that is still there, however old. */
export type OperatorReader = Pick<Store, 'find' | 'list'> & {
  readonly keys: Pick<KeyStore, 'list'>
  close(): Promise<void>
}

export type OperatorStore = OperatorReader & {
  readonly keys: Omit<KeyStore, 'noteUses'>

  /**
   * Inserts the first of these sessions, as many as one step takes, and at least one where there is
   * one. A session whose id is in use, or was until it ended, is passed over. Ends no others: no limit of
   * sessions of one `sub` holds here.
   */
  insertSome(sessions: readonly Session[]): Promise<InsertedSome>

  /**
   * Ends a session for good, as `revoked`: also one that a server may know as live and storage does not yet
   * (its activity may be on its way), and one that is damaged.
   */
  end(id: string, now: number): Promise<EndedOne>

  /**
   * Ends some of these live sessions, as `revoked`; call it again while there are `more`.
   */
  endSome(which: Selection, now: number): Promise<EndedCount>

  /**
   * Resolves to true once no server shows a session that was ended here; to false if one still may after
   * ten seconds.
   */
  serversHaveTakenNote(): Promise<boolean>
}

/** `taken`: how many of the sessions this step was about; `inserted`: how many of these were new. */
export type InsertedSome = { readonly taken: number; readonly inserted: number }

/** `ended`: by this call; `over`: it had ended before. */
export type EndedOne = 'ended' | 'over' | 'absent'

/** Opens the storage that `data` names. Each throws where it is missing, damaged or of another version. */
export type OperatorStores<Data = string> = {
  openReader(data: Data): Promise<OperatorReader>
  /** As `openReader`; where `openOrCreateStore` would make the storage, an empty one that it does not make. */
  openReaderOrEmpty(data: Data): Promise<OperatorReader>
  openStore(data: Data): Promise<OperatorStore>
  /** As `openStore`, and makes the storage where there is none yet. */
  openOrCreateStore(data: Data): Promise<OperatorStore>
}
