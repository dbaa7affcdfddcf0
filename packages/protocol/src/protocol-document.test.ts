import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { lineErrorsTable } from './frames/errors-table.ts'
import { limitsTable } from './limits/limits-table.ts'
import { decodeClientMessage } from './messages/decode-client-message.ts'
import { decodeServerMessage } from './messages/decode-server-message.ts'
import { parseClientFrame } from './schemas/parse-client-frame.ts'
import { clientMessage, serverMessage } from './schemas.ts'

type Direction = 'c2s' | 's2c'
interface Sample {
  readonly direction: Direction
  readonly text: string
}

const document = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8')
const blocks = [...document.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info = '', body = '']) => ({ info, body }))

/** ```json c2s and ```json s2c have one message per line. Each line of a dialogue names the sender or is a note. */
const samples: readonly Sample[] = blocks.flatMap(({ info, body }) => {
  const lines = body.split('\n').filter((line) => line.trim() !== '')
  if (info === 'dialogue') return lines.flatMap(fromDialogue)
  const direction = /^json (c2s|s2c)$/.exec(info)?.[1] as Direction | undefined
  return direction === undefined ? [] : lines.map((text) => ({ direction, text }))
})

function fromDialogue(line: string): Sample[] {
  const [, arrow, text = ''] = /^(C→S|S→C) (.+)$/.exec(line) ?? []
  return arrow === undefined ? [] : [{ direction: arrow === 'C→S' ? 'c2s' : 's2c', text }]
}

/** The rows of the table with the header `head`, as texts. */
function tableUnder(head: string, text: string = document): readonly (readonly string[])[] {
  const [, body = ''] = text.split(`${head}\n`)
  const [rows = ''] = body.trimEnd().split('\n\n')
  return rows
    .split('\n')
    .slice(1)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

const limitsHead = '| name | value | unit | beyond it |'
/** The limits of what an application sends. */
const ofClients = new Set(['pathBytes', 'keyBytes', 'tokenBytes', 'jsonDepth', 'maxMessageBytes'])

/** The rows of the table of limits in the code. */
function limitRows(): readonly (readonly string[])[] {
  return Object.entries(limitsTable).map(([name, { value, unit, consequence }]) => [
    name,
    value.toLocaleString('en-US'),
    unit,
    consequence,
  ])
}

function parsedByServer(text: string): unknown {
  const decoded = decodeClientMessage(text)
  if (!decoded.ok || !('elements' in decoded)) return decoded
  return decoded.elements.map(parseClientFrame).map((parsed) => (parsed.ok ? parsed.frame : parsed))
}

function decodedByClient(text: string): unknown {
  const decoded = decodeServerMessage(text)
  return decoded.ok ? decoded.frames : decoded
}

describe('PROTOCOL.md', () => {
  test.each(samples)('shows a $direction message that its schema accepts: $text', ({ direction, text }) => {
    if (text === 'PING' || text === 'PONG') return
    const schema = direction === 'c2s' ? clientMessage : serverMessage
    const isWrongOnPurpose = direction === 'c2s' && text.includes('"nope"')
    expect(schema.safeParse(JSON.parse(text)).success).toBe(!isWrongOnPurpose)
  })

  test('has no member in a sample that the schema does not know', () => {
    for (const { direction, text } of samples.filter(({ text }) => text.startsWith('{') || text.startsWith('['))) {
      const schema = direction === 'c2s' ? clientMessage : serverMessage
      const parsed = schema.safeParse(JSON.parse(text))
      if (parsed.success) expect(parsed.data).toEqual(JSON.parse(text))
    }
  })

  test('shows only frames that the decoders of client and server accept', () => {
    for (const { direction, text } of samples.filter(({ text }) => /^[{[]/.test(text) && !text.includes('"nope"'))) {
      const elements = [JSON.parse(text)].flat()
      const frames = direction === 'c2s' ? parsedByServer(text) : decodedByClient(text)
      expect(frames, text).toEqual(text === '{}' ? [] : elements)
    }
  })

  test('marks each block with a frame with its direction', () => {
    expect(
      blocks.map(({ info }) => info).filter((info) => !/^(json (c2s|s2c)|dialogue|http|text)$/.test(info)),
    ).toEqual([])
    expect(samples.length).toBeGreaterThan(40)
    const notes = blocks
      .filter(({ info }) => info === 'dialogue')
      .flatMap(({ body }) => body.split('\n'))
      .filter((line) => line !== '' && fromDialogue(line).length === 0)
    expect(notes.filter((line) => !/^ {4}\(.+\)$/.test(line))).toEqual([])
  })

  test('has the same table of errors as the code', () => {
    expect(tableUnder('| code | meaning | retry | may have run | tRPC code |')).toEqual(
      Object.entries(lineErrorsTable).map(([code, { meaning, retry, mayHaveRun, trpc }]) => [
        code,
        meaning,
        retry,
        mayHaveRun ? 'yes' : 'no',
        trpc,
      ]),
    )
  })

  test('has the same table of limits as the code', () => {
    expect(tableUnder(limitsHead)).toEqual(limitRows())
  })

  test.each(['client', 'server'])('has the same limits of client frames as the README of %s', (name) => {
    const readme = readFileSync(new URL(`../../${name}/README.md`, import.meta.url), 'utf8')
    expect(tableUnder(limitsHead, readme)).toEqual(limitRows().filter(([limit = '']) => ofClients.has(limit)))
  })
})
