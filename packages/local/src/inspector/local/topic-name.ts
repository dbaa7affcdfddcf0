import { channelOfTopic, keyOfTopic } from '@trunkline/server/internal'

/** The name of the channel of a topic. A name with a wrong escape is shown as it is. */
export function channelOf(topic: string): string {
  try {
    return channelOfTopic(topic)
  } catch {
    return topic.split('?', 1)[0] ?? topic
  }
}

/** The key in a topic's name. Undefined for a name of another form. */
export function keyOf(topic: string): Readonly<Record<string, string | number>> | undefined {
  try {
    return topic.includes('?') ? keyOfTopic(topic) : undefined
  } catch {
    return undefined
  }
}
