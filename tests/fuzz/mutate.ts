import { limits } from '@trunkline/protocol'
import type { Random } from '../../packages/simulator/src/kernel/random.ts'
import { nodesOf, print, raw, type Tree, text } from './tree.ts'

/** Names that reach a prototype, or that a lookup without `hasOwn` finds. */
const prototypeKeys = ['__proto__', 'constructor', 'prototype', 'toString', 'then', 'hasOwnProperty', 'length']

/** Values that are odd in any place. */
const oddities: readonly string[] = [
  ...['null', 'true', 'false', '0', '-0', '-1', '0.5', '1e308', '1e999', '-1e999', '9007199254740993', '1e-400'],
  ...['""', '"x"', '"0.e:1"', '"e:-1"', '"e:1.5"', '":"', '"\\u0000"', '"\\ud800"', '"\\udc00x"', '"🦊"', '[]', '{}'],
  ...['"*"', '"#"', '"a#b"', '"room?room=s:x"', '"own."', '"own.k"', '"auto.1.aaaaaaaaaaaaaaaa"', '"%00"', '"\\r\\n"'],
  ...prototypeKeys.map((name) => JSON.stringify(name)),
  '{"toString":"x"}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"length":1e9}',
  '[[[[1]]]]',
  '[null,[],{},"",0]',
]

/** A value that is odd in any place, as JSON. */
export const oddValue = (random: Random): Tree => raw(random.pick(oddities))

type Mutation = (random: Random, node: Tree) => void

const mutations: readonly (readonly [weight: number, Mutation])[] = [
  [6, retype],
  [4, dropMember],
  [4, doubleMember],
  [3, addPrototypeKey],
  [3, renameMember],
  [2, addSurrogate],
  [2, growItems],
  [1, growText],
  [1, nest],
  [1, growKeys],
]
const weighted = mutations.flatMap(([weight, mutation]) => Array.from({ length: weight }, () => mutation))

/** Changes a tree in `count` places. */
export function mutate(random: Random, tree: Tree, count: number): void {
  for (let n = 0; n < count; n++) {
    const nodes = nodesOf(tree)
    random.pick(weighted)(random, random.pick(nodes))
  }
}

/** A size up to that of a whole message; small ones are much more frequent. */
export function sizeOf(random: Random): number {
  const most = random.chance(0.015) ? limits.messageBytes.value : random.chance(0.2) ? 4_096 : 300
  return 1 + random.int(most)
}

/** Replaces a node in its place: its kind cannot change in TypeScript, since a node is shared by reference. */
function replace(node: Tree, by: Tree): void {
  Object.assign(node, { text: undefined, items: undefined, members: undefined }, by)
}

function retype(random: Random, node: Tree): void {
  replace(node, oddValue(random))
}

function dropMember(random: Random, node: Tree): void {
  if (node.kind === 'object') node.members.splice(random.int(node.members.length), 1)
  else if (node.kind === 'array') node.items.splice(random.int(node.items.length), 1)
}

/** A key twice, with the same value or another. */
function doubleMember(random: Random, node: Tree): void {
  if (node.kind === 'array') node.items.push(...node.items.slice(0, 1))
  if (node.kind !== 'object' || node.members.length === 0) return
  const [name, value] = random.pick(node.members)
  node.members.splice(random.int(node.members.length + 1), 0, [name, random.chance(0.5) ? value : oddValue(random)])
}

function addPrototypeKey(random: Random, node: Tree): void {
  if (node.kind === 'object') node.members.push([random.pick(prototypeKeys), oddValue(random)])
}

function renameMember(random: Random, node: Tree): void {
  if (node.kind !== 'object' || node.members.length === 0) return
  const at = random.int(node.members.length)
  const [, value] = node.members[at] as [string, Tree]
  node.members[at] = [random.pick([...prototypeKeys, '', 'id', 'method', 'params', '\ud800', '0']), value]
}

function addSurrogate(random: Random, node: Tree): void {
  if (node.kind !== 'raw' || !node.text.endsWith('"') || node.text.length < 2) return
  node.text = `${node.text.slice(0, -1)}${random.pick(['\\ud800', '\\udfff', '\ud83e', '\\u0000'])}"`
}

function growText(random: Random, node: Tree): void {
  const size = sizeOf(random)
  const unit = random.pick(['x', 'é', '🦊', '\\', '"', '\u0000', 'a#', '../', 'e:1,'])
  replace(node, text(unit.repeat(Math.ceil(size / unit.length))))
}

function growItems(random: Random, node: Tree): void {
  if (node.kind !== 'array') return
  const item = node.items[0] ?? oddValue(random)
  const count = Math.ceil(sizeOf(random) / (print(item).length + 1))
  for (let n = 0; n < count; n++) node.items.push(item)
}

function nest(random: Random, node: Tree): void {
  const depth = random.chance(0.7) ? 55 + random.int(20) : random.int(40_000)
  const isArray = random.chance(0.5)
  const inner = node.kind === 'raw' ? node.text : '0'
  replace(node, raw((isArray ? '[' : '{"a":').repeat(depth) + inner + (isArray ? ']' : '}').repeat(depth)))
}

function growKeys(random: Random, node: Tree): void {
  if (node.kind !== 'object') return
  const value = oddValue(random)
  const count = Math.ceil(sizeOf(random) / (print(value).length + 9))
  for (let n = 0; n < count; n++) node.members.push([`k${n}`, value])
}
