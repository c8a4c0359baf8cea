/** The rows of the table of settings that are about storage. */
import {
  anyFile,
  databaseAddress,
  dataFile,
  duration,
  integer,
  oneOf,
  password,
  size,
} from './setting-values.ts'
import type { SettingRow } from './setting-row.ts'

export const storageSettings = [
  {
    name: 'dataPath',
    flag: '--data',
    kind: dataFile,
    default: 'data/sessions.db',
    group: 'Storage',
    description: 'The SQLite file that holds the sessions',
  },
  {
    name: 'store',
    flag: '--store',
    kind: databaseAddress,
    default: undefined,
    group: 'Storage',
    description:
      'The PostgreSQL database that holds the sessions, in place of a file: ' +
      'postgres://USER@HOST[:PORT][,HOST…]/DATABASE, without a password; several servers may share it',
  },
  {
    name: 'storePassword',
    flag: '--store-password',
    kind: password,
    default: undefined,
    isSecret: true,
    group: 'Storage',
    description: 'The password for the database of --store; only from the environment',
  },
  {
    name: 'storePasswordPath',
    flag: '--store-password-file',
    kind: anyFile,
    default: undefined,
    group: 'Storage',
    description:
      'A file whose first line is the password for the database of --store; read anew for each connection',
  },
  {
    name: 'durability',
    flag: '--durability',
    kind: oneOf('full', 'relaxed'),
    default: 'full',
    group: 'Storage',
    description:
      'full: every answered write is on disk; relaxed: a power cut may lose about the last second, and ' +
      'a database may be used that acknowledges what a crash loses',
  },
  {
    name: 'walLimitBytes',
    flag: '--wal-limit',
    kind: size('1MiB', '1048576MiB'),
    default: '1024MiB',
    group: 'Storage',
    description:
      'The size up to which the WAL beside the data file may grow while another program keeps a read ' +
      'open; then only log-outs are written',
  },
  {
    name: 'sweepIntervalMs',
    flag: '--sweep-interval',
    kind: duration('1ms', '1d'),
    default: '1m',
    group: 'Storage',
    description: 'How often expired sessions and old tombstones are swept',
  },
  {
    name: 'keepEndedMs',
    flag: '--keep-ended',
    kind: duration('0', '3650d'),
    default: '24h',
    group: 'Storage',
    description:
      'How long the reason for the end of a session is kept, unless a back end says it; 0 keeps none',
  },
  {
    name: 'keepEventsMs',
    flag: '--keep-events',
    kind: duration('1s', '3650d'),
    default: '24h',
    group: 'Storage',
    description: 'How long an event of the feed is kept',
  },
  {
    name: 'maxEvents',
    flag: '--max-events',
    kind: integer(0, 1_000_000_000),
    default: '1000000',
    group: 'Storage',
    description: 'The most events that are kept; 0: none are, and there is no feed',
  },
] as const satisfies readonly SettingRow[]
