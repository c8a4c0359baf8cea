export const DAMAGED = 65
/** What was read from stdin is wrong, in part or as a whole. */
export const WRONG_INPUT = 65

/** The exit codes of every command that opens the data file. */
export const FILE_EXIT_CODES = [
  [DAMAGED, 'the data file is damaged, of another version, or not one of ours'],
  [66, 'there is no data file'],
  [73, 'the data folder cannot be written'],
  [74, 'the disk is full, or fails'],
  [75, 'another program holds the data file'],
] as const
