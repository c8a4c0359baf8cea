/** The costs as they were measured last: `npm run bench:fleet -- --measure` prints them anew. */
import type { Costs } from './costs.ts'

/** When, on what. */
export const MEASURED_ON =
  '2026-11-29, on two cores of a virtual machine (AMD EPYC, Linux 6.18) that were busy with other things, ' +
  'PostgreSQL 15.18, Node 26.10'

export const MEASURED: Costs = {
  httpUs: 32.5,
  bytesPerCoatcheck: 205000000,
  find: [
    {
      together: 1,
      coatcheckUs: 234,
      postgresUs: 93.5,
      walBytes: 39.8,
    },
    {
      together: 4,
      coatcheckUs: 48.3,
      postgresUs: 24.5,
      walBytes: 6.93,
    },
    {
      together: 16,
      coatcheckUs: 26.2,
      postgresUs: 13.6,
      walBytes: 0.12,
    },
    {
      together: 64,
      coatcheckUs: 14.2,
      postgresUs: 9,
      walBytes: 0,
    },
  ],
  change: [
    {
      together: 1,
      coatcheckUs: 683,
      postgresUs: 456,
      walBytes: 526,
    },
    {
      together: 4,
      coatcheckUs: 187,
      postgresUs: 137,
      walBytes: 524,
    },
    {
      together: 16,
      coatcheckUs: 76.8,
      postgresUs: 55,
      walBytes: 519,
    },
    {
      together: 64,
      coatcheckUs: 43.4,
      postgresUs: 32.3,
      walBytes: 506,
    },
  ],
  insert: [
    {
      together: 1,
      coatcheckUs: 434,
      postgresUs: 497,
      walBytes: 1150,
    },
    {
      together: 4,
      coatcheckUs: 118,
      postgresUs: 156,
      walBytes: 1120,
    },
    {
      together: 16,
      coatcheckUs: 57.9,
      postgresUs: 60.4,
      walBytes: 1110,
    },
    {
      together: 64,
      coatcheckUs: 30.1,
      postgresUs: 32.4,
      walBytes: 1110,
    },
  ],
  insertLimited: [
    {
      together: 1,
      coatcheckUs: 964,
      postgresUs: 722,
      walBytes: 1200,
    },
    {
      together: 4,
      coatcheckUs: 295,
      postgresUs: 224,
      walBytes: 1180,
    },
    {
      together: 16,
      coatcheckUs: 107,
      postgresUs: 77.1,
      walBytes: 1170,
    },
    {
      together: 64,
      coatcheckUs: 53,
      postgresUs: 45.2,
      walBytes: 1160,
    },
  ],
  touch: [
    {
      together: 1,
      coatcheckUs: 338,
      postgresUs: 290,
      walBytes: 184,
    },
    {
      together: 30,
      coatcheckUs: 14.7,
      postgresUs: 21.7,
      walBytes: 146,
    },
    {
      together: 1000,
      coatcheckUs: 2.06,
      postgresUs: 8.24,
      walBytes: 144,
    },
  ],
  pageImage: {
    postgresUs: 12.7,
    walBytes: 6570,
  },
  end: [
    {
      together: 1,
      coatcheckUs: 683,
      postgresUs: 577,
      walBytes: 1010,
    },
    {
      together: 4,
      coatcheckUs: 168,
      postgresUs: 175,
      walBytes: 947,
    },
    {
      together: 16,
      coatcheckUs: 68.3,
      postgresUs: 69.4,
      walBytes: 979,
    },
    {
      together: 64,
      coatcheckUs: 40.6,
      postgresUs: 37,
      walBytes: 988,
    },
  ],
  expire: [
    {
      together: 1,
      coatcheckUs: 2120,
      postgresUs: 5320,
      walBytes: 1280,
    },
    {
      together: 30,
      coatcheckUs: 51.6,
      postgresUs: 184,
      walBytes: 1050,
    },
    {
      together: 499,
      coatcheckUs: 5.2,
      postgresUs: 35.2,
      walBytes: 1050,
    },
  ],
  forget: [
    {
      together: 1,
      coatcheckUs: 2320,
      postgresUs: 6810,
      walBytes: 638,
    },
    {
      together: 30,
      coatcheckUs: 71,
      postgresUs: 222,
      walBytes: 355,
    },
    {
      together: 499,
      coatcheckUs: 9.97,
      postgresUs: 25.9,
      walBytes: 349,
    },
  ],
  vacuumUs: 2.26,
  tableBytesPerSession: 683,
  indexBytesPerSession: 142,
  bytesPerConnection: 4410000,
  idleSecond: {
    coatcheckUs: 1040,
    postgresUs: 1900,
    walBytes: 177,
  },
  bytesPerTombstone: 293,
}
