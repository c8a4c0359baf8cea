/** What a restore calls the file whose place it takes: its own name, this, and the time. */
export const ASIDE_MARK = '.before-restore-'
