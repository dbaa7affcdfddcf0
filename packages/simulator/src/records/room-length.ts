import { partedRoom, partedTopics, topicOf } from './application.ts'
import type { PublishedLog } from './published-log.ts'

/** More than the events of one log in a schedule. */
const base = 4_096

/** How many slots the log of a room has. Those of a room with partitions are packed into one number. */
export function lengthOf(published: PublishedLog, room: string): number {
  if (room !== partedRoom) return published.of(topicOf(room)).length
  return partedTopics().reduceRight((packed, topic) => packed * base + published.of(topic).length, 0)
}

/** The length of one partition's log. */
export function lengthIn(packed: number, index: number): number {
  return Math.floor(packed / base ** index) % base
}
