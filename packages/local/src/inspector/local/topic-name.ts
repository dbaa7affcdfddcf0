/** The name of the channel of a topic. */
export function channelOf(topic: string): string {
  const [name = ''] = topic.split('?')
  return decode(name)
}

/**
 * The key in a topic's name `channel?name=s:text&size=n:7`, which a partition's number may follow as `/2`. Undefined for
 * a name of another form.
 */
export function keyOf(topic: string): Readonly<Record<string, string | number>> | undefined {
  if (!topic.includes('?')) return undefined
  const pairs = topic.slice(topic.indexOf('?') + 1).replace(/\/\d+$/, '')
  const entries = (pairs === '' ? [] : pairs.split('&')).map(toEntry)
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries) : undefined
}

function toEntry(pair: string): readonly [string, string | number] | undefined {
  const [, name = '', type, text = ''] = /^([^=]*)=([sn]):(.*)$/.exec(pair) ?? []
  if (type === undefined) return undefined
  return [decode(name), type === 'n' ? Number(text) : decode(text)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
