// One file over 200 lines: the columns of all lists are one table.

import type { ListName, ListRows } from '../data-source.ts'
import { formatAge, formatBytes, formatTime, shorten } from './format.ts'

/** A column of a list. */
export interface Column<Row> {
  readonly label: string
  /** The width as a track of a CSS grid. */
  readonly width: string
  /** The place on a phone: a, b and c are in the first line, d and e in the second. Absent: hidden on a phone. */
  readonly phone?: 'a' | 'b' | 'c' | 'd' | 'e'
  readonly kind?: 'number' | 'code' | 'soft' | 'soft code'
  text(row: Row, now: number): string
  /** The text in full, where `text` shortens it. */
  title?(row: Row): string
  /** A state for the style sheet. */
  state?(row: Row): string
}

type Columns = { readonly [K in ListName]: readonly Column<ListRows[K]>[] }

const topicColumn: Column<{ readonly id: string }> = {
  label: 'Topic',
  width: 'minmax(10rem, 1fr)',
  phone: 'b',
  kind: 'code',
  text: ({ id }) => readable(id),
  title: ({ id }) => id,
}

/** The columns of each list. */
export const columns: Columns = {
  frames: [
    { label: 'Time', width: '6.75rem', phone: 'd', kind: 'soft code', text: ({ at }) => formatTime(at) },
    {
      label: 'Direction',
      width: '4.25rem',
      phone: 'a',
      kind: 'code',
      text: ({ direction }) => (direction === 'in' ? '↑ in' : '↓ out'),
      state: ({ direction }) => direction,
    },
    {
      label: 'Connection',
      width: '5.5rem',
      phone: 'e',
      kind: 'soft code',
      text: ({ connectionId }) => shorten(connectionId),
      title: ({ connectionId }) => connectionId,
    },
    {
      label: 'Type',
      width: 'minmax(5.5rem, 0.7fr)',
      phone: 'b',
      kind: 'code',
      text: ({ type, code }) => (code === undefined ? type : `${type} ${code}`),
      state: ({ code }) => (code === undefined ? '' : 'error'),
    },
    { label: 'Procedure', width: 'minmax(6rem, 1fr)', phone: 'c', kind: 'code', text: ({ path }) => path },
    { label: 'Size', width: '4rem', kind: 'number', text: ({ bytes }) => formatBytes(bytes) },
  ],
  runs: [
    { label: 'Ended', width: '6.75rem', phone: 'd', kind: 'soft code', text: ({ endedAt }) => formatTime(endedAt) },
    {
      label: 'Function',
      width: '5.75rem',
      phone: 'a',
      text: ({ name, attempt }) => (attempt > 1 ? `${name} (try ${attempt})` : name),
    },
    { label: 'Ran', width: 'minmax(6rem, 1fr)', phone: 'b', kind: 'code', text: ({ cause }) => cause },
    {
      label: 'Outcome',
      width: 'minmax(5.5rem, 0.8fr)',
      phone: 'c',
      text: ({ outcome, code }) => (code === undefined ? outcome : `${outcome === 'ok' ? '' : `${outcome} `}${code}`),
      state: ({ outcome, code }) => (code !== undefined && outcome === 'ok' ? 'error' : outcome),
    },
    {
      label: 'Time',
      width: '4rem',
      phone: 'e',
      kind: 'number',
      text: ({ durationMs }) => `${Math.round(durationMs)} ms`,
    },
    {
      label: 'Start',
      width: '4.25rem',
      text: ({ initMs }) => (initMs === undefined ? 'warm' : `cold ${(initMs / 1_000).toFixed(1)} s`),
      state: ({ initMs }) => (initMs === undefined ? 'warm' : 'cold'),
    },
    { label: 'Logs', width: '2.5rem', kind: 'number', text: ({ lines }) => (lines === 0 ? '' : String(lines)) },
  ],
  connections: [
    {
      label: 'Id',
      width: '5.5rem',
      phone: 'd',
      kind: 'code',
      text: ({ id }) => shorten(id),
      title: ({ id }) => id,
    },
    {
      label: 'Principal',
      width: 'minmax(6rem, 0.7fr)',
      phone: 'a',
      text: ({ principal }) => principal ?? 'anonymous',
      state: ({ principal }) => (principal === null ? 'soft' : ''),
    },
    {
      label: 'Client',
      width: '6.5rem',
      phone: 'b',
      text: ({ state, client, via }) => (state === 'lost' ? 'lost' : via === 'http' ? `${client}, HTTP` : client),
      state: ({ state }) => state,
    },
    {
      label: 'Age',
      width: '4.5rem',
      phone: 'c',
      kind: 'number',
      text: ({ connectedAt }, now) => formatAge(now - connectedAt),
    },
    {
      label: 'Subscriptions',
      width: 'minmax(7rem, 1fr)',
      phone: 'e',
      kind: 'code',
      text: ({ paths }) => paths.join(', '),
    },
  ],
  topics: [
    topicColumn,
    {
      label: 'Newest event',
      width: '6.5rem',
      phone: 'd',
      kind: 'number',
      text: ({ head }) => (head === undefined ? '–' : String(head)),
    },
    { label: 'Subscribers', width: '6rem', phone: 'e', kind: 'number', text: ({ subscribers }) => String(subscribers) },
  ],
  presence: [
    topicColumn,
    { label: 'Members', width: '6rem', phone: 'd', kind: 'number', text: ({ members }) => String(members) },
  ],
  streams: [
    topicColumn,
    {
      label: 'State',
      width: '6rem',
      phone: 'd',
      text: ({ state, outcome }) => outcome ?? state,
      state: ({ state, outcome }) =>
        outcome === 'done' ? 'ok' : outcome === 'failed' || outcome === 'lost' ? 'error' : state,
    },
    { label: 'Chunks', width: '5rem', phone: 'c', kind: 'number', text: ({ chunks }) => String(chunks) },
    {
      label: 'Age',
      width: '5rem',
      phone: 'e',
      kind: 'number',
      text: ({ startedAt }, now) => formatAge(now - startedAt),
    },
  ],
  procedures: [
    { label: 'Procedure', width: 'minmax(10rem, 1fr)', phone: 'b', kind: 'code', text: ({ id }) => id },
    { label: 'Type', width: '7rem', phone: 'd', text: ({ type }) => type },
    { label: 'Notes', width: 'minmax(6rem, 0.6fr)', phone: 'e', kind: 'soft', text: ({ notes }) => notes.join(', ') },
  ],
  channels: [
    { label: 'Channel', width: 'minmax(10rem, 1fr)', phone: 'b', kind: 'code', text: ({ id }) => id },
    { label: 'Kind', width: '7rem', phone: 'd', text: ({ kind }) => kind },
    {
      label: 'Kept for',
      width: '6rem',
      phone: 'e',
      kind: 'number',
      text: ({ retentionMs }) => (retentionMs === undefined ? 'not kept' : formatAge(retentionMs)),
    },
  ],
}

/** A topic's name for people: `room (name: general)`. */
export function readable(topic: string): string {
  const [channel = '', pairs = ''] = topic.split('?')
  if (pairs === '') return decode(channel)
  const [key = '', partition] = pairs.split('/') // an escaped name has no slash
  const words = key.split('&').map((pair) => pair.replace(/^([^=]*)=[sn]:/, '$1: '))
  if (partition !== undefined) words.push(`partition ${partition}`)
  return `${decode(channel)} (${words.map(decode).join(', ')})`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The names of the lists on their tabs. */
export const titles: Readonly<Record<ListName, string>> = {
  frames: 'Frames',
  runs: 'Runs',
  connections: 'Connections',
  topics: 'Topics',
  presence: 'Presence',
  streams: 'Streams',
  procedures: 'Procedures',
  channels: 'Channels',
}
