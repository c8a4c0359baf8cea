/**
 * The contract of a store as the commands see it: opened by an operator, for a moment, beside the servers
 * that run on the same storage or without one. Operators are held to no limits. Whatever makes long work
 * bearable for those servers, such as slices and pauses, is the store's business.
 */
import type { Session, Tombstone } from '../session/session.ts'
import type { KeyStore } from './key-store.ts'
import type { Selection } from './selection.ts'
import type { EndedCount, Store } from './store.ts'

/** For commands that only read: they see each tombstone that is still there, however old. */
export type OperatorReader = Pick<Store, 'find' | 'list'> & {
  readonly keys: Pick<KeyStore, 'list'>
  /**
   * The ends that are still there, of one app or of all, in pieces, so that no read takes long: of each session
   * that has ended by `now`, swept or not, and whose id is not in use again. One that ends meanwhile may be
   * missing, or come twice.
   */
  readEnds(which: Pick<Selection, 'app'>, now: number): AsyncIterable<EndsPiece>
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
   * Remembers the first of these ends, as many as one step takes, and at least one where there is one: as if
   * these sessions had ended here, without an event. An id that is in use, or was until it ended, is passed over.
   */
  burySome(ends: readonly Tombstone[]): Promise<BuriedSome>

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

/** As `InsertedSome`. */
export type BuriedSome = { readonly taken: number; readonly buried: number }

/** `damaged`: the ids of ends of this piece that storage cannot give back as they were. */
export type EndsPiece = { readonly ends: readonly Tombstone[]; readonly damaged: readonly string[] }

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
