const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const WEEKDAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_WEEKDAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day'
const MONTH = '(?<month>[A-Z][a-z]{2})'
const TIME = '(?<time>[0-9:]{8})'

const HTTP_DATES = [
  // IMF-fixdate, then the obsolete forms of RFC 850 and of C's asctime.
  new RegExp(`^${WEEKDAY}, (?<day>[0-9]{2}) ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_WEEKDAY}, (?<day>[0-9]{2})-${MONTH}-(?<year>[0-9]{2}) ${TIME} GMT$`),
  new RegExp(`^${WEEKDAY} ${MONTH} (?<day>[ 0-9][0-9]) ${TIME} (?<year>[0-9]{4})$`),
]
const ISO_TIME = '(?<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?)'
const ISO_OFFSET = '(?<offset>[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])'
const ISO_8601 = new RegExp(`^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T${ISO_TIME}(?:Z|${ISO_OFFSET})$`)

/**
 * Milliseconds since the epoch of an HTTP-date, in any of the three forms of RFC 9110 section
 * 5.6.7, or of an ISO 8601 date-time with its zone. Undefined for anything else, as for February
 * 30.
 */
export function parseDateTime(text: string, now: number): number | undefined {
  const iso = ISO_8601.exec(text)?.groups
  if (iso !== undefined) return parseIso(iso)
  for (const form of HTTP_DATES) {
    const groups = form.exec(text)?.groups
    if (groups !== undefined) return parseHttp(groups, now)
  }
  return undefined
}

type Groups = Readonly<Record<string, string>>

function parseIso({ date = '', time = '', offset }: Groups): number | undefined {
  const local = parseUtc(date, time)
  if (local === undefined || offset === undefined) return local
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))
  return local - (offset.startsWith('-') ? -minutes : minutes) * 60_000
}

function parseHttp(groups: Groups, now: number): number | undefined {
  const { day = '', month = '', year = '', time = '' } = groups
  const fullYear = year.length === 2 ? String(expandYear(Number(year), now)) : year
  const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
  return parseUtc(`${fullYear}-${monthNumber}-${day.trim().padStart(2, '0')}`, time)
}

/** RFC 9110: a year of two digits more than 50 years ahead is in the past. */
function expandYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + twoDigits
  return year > thisYear + 50 ? year - 100 : year
}

function parseUtc(date: string, time: string): number | undefined {
  const ms = Date.parse(`${date}T${time}Z`)
  // Date.parse accepts February 30, as March 2, and 24:00, as the next day.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(date)) return undefined
  return ms
}
