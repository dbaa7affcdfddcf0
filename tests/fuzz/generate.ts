// More than 200 lines: the two kinds of messages, half of the frames each.
import { limits, toChunks, utf8Bytes } from '@trunkline/protocol'
import * as schemas from '@trunkline/protocol/schemas'
import { hostileMessages, pollutingMessages } from '../../packages/protocol/src/fixtures/hostile-messages.suite.ts'
import type { Random } from '../../packages/simulator/src/kernel/random.ts'
import { paths, tokens } from './application.ts'
import { fromSchema, type Hints } from './from-schema.ts'
import { mutate, oddValue, sizeOf } from './mutate.ts'
import { print, raw, type Tree, text, treeOf } from './tree.ts'

/** A message as the gateway delivers it: `undefined` is a frame without a payload. */
export type Message = string | undefined

/** The names that a generated message may use. */
export interface Known {
  /** The rooms of the sender's subscriptions. */
  readonly rooms: readonly string[]
  /** Tokens that an `auth` may carry. */
  readonly tokens: readonly string[]
}

/** Messages that one connection sends one after another. */
export function generate(random: Random, known: Known): readonly Message[] {
  return random.chance(0.5) ? grammatical(random, known) : [rawMessage(random, known)]
}

const methodSchemas = [
  ...[schemas.callFrame, schemas.callFrame, schemas.callFrame, schemas.subscribeFrame, schemas.subscribeFrame],
  ...[schemas.stopFrame, schemas.syncFrame, schemas.authFrame, schemas.cancelFrame, schemas.helloFrame],
  ...[schemas.pingFrame, schemas.chunkFrame, schemas.connectionParamsFrame],
]

const ids = ['0', '1', '2', '3', '"s"', '"1"', '-1.5', '""']

/** Values that a client of this application sends at each path of a frame. */
const hintsFor =
  (known: Known): Hints =>
  (random, path) => {
    if (random.chance(0.08)) return oddValue(random)
    switch (path) {
      case '.id':
      case '.params.subscriptions.*.id':
        return raw(random.pick(ids))
      case '.params.path':
        return text(random.pick([...paths.query, ...paths.mutation, ...paths.subscription]))
      case '.params.input':
        return inputOf(random, known)
      case '.params.key':
        return text(random.pick(['own.k', 'own.l', `own.${random.int(1_000)}`, 'auto.n0000000.aaaaaaaaaaaaaaaaaaaa']))
      case '.params.lastEventId':
      case '.params.subscriptions.*.from':
        return text(random.pick(['0.a:0', '0.a:1', '0.aaaaaaaaaaaa:3', 'e:1', `0.e:${random.int(50)}`]))
      case '.params.ref':
      case '.params.subscriptions.*.ref':
        return raw(String(1 + random.int(3)))
      case '.params.token':
        return text(random.pick(known.tokens))
      case '.params.message':
        return text(random.pick(['m1', 'm2', `m${random.int(100)}`]))
      case '.params.traceparent':
        return text('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
      default:
        return undefined
    }
  }

function inputOf(random: Random, known: Known): Tree {
  const room = random.pick(known.rooms)
  return random.pick([
    () => treeOf({ room }),
    () => treeOf({ room, text: 'hello' }),
    () => treeOf({ room, text: 'x'.repeat(sizeOf(random)) }),
    () => treeOf({ a: random.int(100), b: 0.5 }),
    () => raw(String(random.int(300_000))),
    () => oddValue(random),
  ])()
}

/** A frame of the protocol; `isExact` leaves it as a client sends it. */
function frame(random: Random, known: Known, isExact = random.chance(0.4)): Tree {
  const tree = fromSchema(random, random.pick(methodSchemas), hintsFor(known))
  if (!isExact) mutate(random, tree, 1 + random.int(3))
  return tree
}

function grammatical(random: Random, known: Known): readonly Message[] {
  const one = () => [print(frame(random, known))]
  const several = [() => [batch(random, known)], () => related(random, known), () => chunks(random, known)]
  return random
    .pick([one, one, one, ...several])()
    .map((message) => cut(random, message))
}

function batch(random: Random, known: Known): string {
  const count = random.chance(0.95) ? random.int(8) : random.int(140)
  const items = Array.from({ length: count }, () => frame(random, known))
  const tree: Tree = { kind: 'array', items }
  if (random.chance(0.1)) mutate(random, tree, 1)
  return print(tree)
}

/** The same id or key again, in one message or in several. */
function related(random: Random, known: Known): readonly string[] {
  const id = raw(random.pick(ids))
  const frames = Array.from({ length: 2 + random.int(4) }, () => {
    const tree = frame(random, known, random.chance(0.8))
    if (tree.kind === 'object')
      tree.members = tree.members.map(([name, value]) => (name === 'id' ? [name, id] : [name, value]))
    return tree
  })
  if (random.chance(0.3)) return [print({ kind: 'array', items: frames })]
  return frames.map(print)
}

/** A message in chunks: as a client sends them, or in disorder, doubled, contradicting, without some. */
function chunks(random: Random, known: Known): readonly string[] {
  const inner = random.chance(0.7) ? print(frame(random, known)) : batch(random, known)
  const whole = random.chance(0.5) ? inner : inner.padEnd(Math.min(200_000, inner.length + sizeOf(random)))
  const partBytes = random.chance(0.5) ? limits.frameBytes.value : 9_000 + random.int(20_000)
  const made = toChunks({ id: random.int(5), message: `c${random.int(1_000)}`, text: whole }, partBytes)
  const parts = made.map((part) => treeOf(JSON.parse(part)))
  if (random.chance(0.5)) mutate(random, random.pick(parts), 1)
  const order = random.chance(0.5) ? random.shuffle(parts) : parts
  const sent = order.filter(() => random.chance(0.95)).flatMap((part) => (random.chance(0.1) ? [part, part] : [part]))
  return sent.slice(0, 24).map(print)
}

/** The gateway carries no larger message. */
function cut(random: Random, message: string): string {
  if (utf8Bytes(message) <= limits.messageBytes.value) return message
  const kept = message.slice(0, Math.floor(limits.messageBytes.value / 4))
  return random.chance(0.5) ? kept : JSON.stringify(kept).slice(0, limits.messageBytes.value)
}

const words = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '\\u',
    '\\ud800',
    'null',
    'true',
    '1e999',
    '-',
    '0',
    '9',
    ' ',
    '\n',
    '\t',
  ],
  ...['"id"', '"method"', '"params"', '"path"', '"input"', '"query"', '"subscription"', '"chunk"', '"ref"', '"data"'],
  ...['"__proto__"', '"constructor"', '\uFEFF', '\u0000', '\u2028', '🦊', '\ud83e', 'PING', 'PONG', '1', '"whoami"'],
]

function rawMessage(random: Random, known: Known): Message {
  return random.pick([
    () => bytes(random),
    () => units(random),
    () => Array.from({ length: 1 + random.int(60) }, () => random.pick(words)).join(''),
    () => damaged(random, known),
    () => damaged(random, known),
    () => damaged(random, known),
    () => random.pick(words).repeat(Math.ceil(sizeOf(random) / 8)),
    () => random.pick(fixtures),
  ])()
}

const fixtures: readonly Message[] = [
  ...[...Object.values(hostileMessages), ...pollutingMessages].filter(
    (each) => utf8Bytes(each) <= limits.messageBytes.value,
  ),
  undefined,
  'PING',
  'PONG',
]

/** Random bytes, read as UTF-8 or as one character each. */
function bytes(random: Random): string {
  const made = Buffer.from(Array.from({ length: Math.min(sizeOf(random), 4_096) }, () => random.int(256)))
  return made.toString(random.chance(0.5) ? 'utf8' : 'latin1')
}

/** Random UTF-16 units, halves of surrogate pairs among them. */
function units(random: Random): string {
  return String.fromCharCode(...Array.from({ length: 1 + random.int(500) }, () => random.int(65_536)))
}

/** A frame's text with some of its characters changed, removed, doubled or cut off. */
function damaged(random: Random, known: Known): string {
  let message = cut(random, print(frame(random, known, true)))
  for (let n = 1 + random.int(6); n > 0; n--) {
    const at = random.int(message.length + 1)
    const to = at + random.int(random.chance(0.9) ? 4 : message.length + 1)
    const [before, middle, after] = [message.slice(0, at), message.slice(at, to), message.slice(to)]
    message = random.pick([
      () => before + after,
      () => before + middle + middle + after,
      () => before + random.pick(words) + after,
      () => before + String.fromCharCode(random.int(random.chance(0.8) ? 128 : 65_536)) + middle.slice(1) + after,
      () => before,
    ])()
  }
  return cut(random, message)
}

/** The tokens that frames may carry: none of a handshake that holds, but those of other callers and of nobody. */
export const foreignTokens = [tokens.other, tokens.denied, 'tkn-none-0d4f6a1c9b8e7f23', 'x', 'é'.repeat(4_000)]
