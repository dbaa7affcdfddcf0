const dayMs = 24 * 60 * 60_000
const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** The time without a leading zero: 9:05. */
export const timeOfDay = (at: number): string => time.format(at).replace(/^0(?=\d)/, '')
export const exactTime = (at: number): string => exact.format(at)

/** "Today", "Yesterday", or the name of the day. */
export function dayWords(at: number, now: number): string {
  if (isSameDay(at, now)) return 'Today'
  return isSameDay(at, now - dayMs) ? 'Yesterday' : day.format(at)
}

const isSameDay = (one: number, other: number): boolean =>
  new Date(one).toDateString() === new Date(other).toDateString()
