const usdDigits = 6

/** The local time of day with milliseconds. */
export function formatTime(at: number): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}

/** The local date and time of day. */
export function formatDate(at: number): string {
  return `${new Date(at).toLocaleDateString('sv')} ${formatTime(at).slice(0, 8)}`
}

/** Formats a duration: `12 s`, `3 min`, `1 h 20 min`, `7 days`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return `${Math.floor(hours / 24)} days`
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

/** Formats a time in relation to now: `in 12 s`, `3 min ago`. */
export function formatDistance(at: number, now: number): string {
  return at > now ? `in ${formatAge(at - now)}` : `${formatAge(now - at)} ago`
}

export function formatBytes(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KB`
}

/** Formats US dollars with enough digits to show the cost of a single call. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(usd >= 1 ? 2 : usdDigits)}`
}

export function formatAmount(amount: number): string {
  return amount.toLocaleString('en', { maximumFractionDigits: 4 })
}

/** An id as the page shows it: its first eight characters. */
export function shorten(id: string): string {
  return id.length > 9 ? `${id.slice(0, 8)}…` : id
}

/** Indented JSON, or the text unchanged if it was truncated. */
export function formatJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
