/** The page's own, of the path `/tour` alone: it remembers which language its visitor chose. */
export const LANGUAGE_COOKIE = 'tour-lang'
