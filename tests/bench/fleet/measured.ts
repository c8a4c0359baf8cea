/** The costs as they were measured last: `npm run bench:fleet -- --measure` prints them anew. */
import type { Costs } from './costs.ts'

/** When, on what. */
export const MEASURED_ON =
  '2026-11-29, on two cores of a virtual machine (AMD EPYC, Linux 6.18) that were busy with other things, ' +
  'PostgreSQL 15.18, Node 26.10'

export const MEASURED: Costs = {
  httpUs: 44,
  bytesPerCoatcheck: 203000000,
  find: [
    {
      together: 1,
      coatcheckUs: 402,
      postgresUs: 204,
      walBytes: 45.4,
    },
    {
      together: 4,
      coatcheckUs: 76.6,
      postgresUs: 35.3,
      walBytes: 8,
    },
    {
      together: 16,
      coatcheckUs: 23.9,
      postgresUs: 16,
      walBytes: 0.08,
    },
    {
      together: 64,
      coatcheckUs: 14.3,
      postgresUs: 9.65,
      walBytes: 0,
    },
  ],
  change: [
    {
      together: 1,
      coatcheckUs: 666,
      postgresUs: 498,
      walBytes: 527,
    },
    {
      together: 4,
      coatcheckUs: 163,
      postgresUs: 137,
      walBytes: 523,
    },
    {
      together: 16,
      coatcheckUs: 67.3,
      postgresUs: 55.9,
      walBytes: 518,
    },
    {
      together: 64,
      coatcheckUs: 41.8,
      postgresUs: 27.1,
      walBytes: 504,
    },
  ],
  insert: [
    {
      together: 1,
      coatcheckUs: 392,
      postgresUs: 454,
      walBytes: 953,
    },
    {
      together: 4,
      coatcheckUs: 114,
      postgresUs: 130,
      walBytes: 928,
    },
    {
      together: 16,
      coatcheckUs: 36.3,
      postgresUs: 40.5,
      walBytes: 921,
    },
    {
      together: 64,
      coatcheckUs: 22.7,
      postgresUs: 24.5,
      walBytes: 919,
    },
  ],
  insertLimited: [
    {
      together: 1,
      coatcheckUs: 973,
      postgresUs: 792,
      walBytes: 1010,
    },
    {
      together: 4,
      coatcheckUs: 347,
      postgresUs: 248,
      walBytes: 985,
    },
    {
      together: 16,
      coatcheckUs: 123,
      postgresUs: 97.5,
      walBytes: 978,
    },
    {
      together: 64,
      coatcheckUs: 51.4,
      postgresUs: 40,
      walBytes: 973,
    },
  ],
  touch: [
    {
      together: 1,
      coatcheckUs: 556,
      postgresUs: 452,
      walBytes: 184,
    },
    {
      together: 30,
      coatcheckUs: 13.6,
      postgresUs: 19.8,
      walBytes: 146,
    },
    {
      together: 1000,
      coatcheckUs: 1.93,
      postgresUs: 9.53,
      walBytes: 144,
    },
  ],
  pageImage: {
    postgresUs: 9.12,
    walBytes: 6570,
  },
  end: [
    {
      together: 1,
      coatcheckUs: 714,
      postgresUs: 545,
      walBytes: 898,
    },
    {
      together: 4,
      coatcheckUs: 182,
      postgresUs: 182,
      walBytes: 798,
    },
    {
      together: 16,
      coatcheckUs: 64.8,
      postgresUs: 62.7,
      walBytes: 773,
    },
    {
      together: 64,
      coatcheckUs: 34.3,
      postgresUs: 30.2,
      walBytes: 791,
    },
  ],
  expire: [
    {
      together: 1,
      coatcheckUs: 848,
      postgresUs: 772,
      walBytes: 391,
    },
    {
      together: 30,
      coatcheckUs: 32.2,
      postgresUs: 41.7,
      walBytes: 352,
    },
    {
      together: 499,
      coatcheckUs: 4.32,
      postgresUs: 15,
      walBytes: 361,
    },
  ],
  forget: [
    {
      together: 1,
      coatcheckUs: 740,
      postgresUs: 797,
      walBytes: 158,
    },
    {
      together: 30,
      coatcheckUs: 33.4,
      postgresUs: 34.1,
      walBytes: 122,
    },
    {
      together: 499,
      coatcheckUs: 1.88,
      postgresUs: 8.82,
      walBytes: 119,
    },
  ],
  vacuumUs: 2.64,
  tableBytesPerSession: 683,
  indexBytesPerSession: 142,
  bytesPerConnection: 3980000,
  idleSecond: {
    coatcheckUs: 961,
    postgresUs: 710,
    walBytes: 168,
  },
  bytesPerTombstone: 293,
}
