/**
 * A JSON value as text that may be what no JSON value can be: a key twice, a number beyond all numbers, half a string.
 * `raw` is written as it is.
 */
export type Tree =
  | { readonly kind: 'raw'; text: string }
  | { readonly kind: 'array'; items: Tree[] }
  | { readonly kind: 'object'; members: [name: string, value: Tree][] }

export const raw = (text: string): Tree => ({ kind: 'raw', text })
export const text = (value: string): Tree => raw(JSON.stringify(value))

/** The tree of a value of plain JSON. */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: 'array', items: value.map(treeOf) }
  if (typeof value !== 'object' || value === null) return raw(JSON.stringify(value) ?? 'null')
  return { kind: 'object', members: Object.entries(value).map(([name, each]) => [name, treeOf(each)]) }
}

/** Writes a tree as JSON, or as what looks like it. */
export function print(tree: Tree): string {
  switch (tree.kind) {
    case 'raw':
      return tree.text
    case 'array':
      return `[${tree.items.map(print).join()}]`
    case 'object':
      return `{${tree.members.map(([name, value]) => `${JSON.stringify(name)}:${print(value)}`).join()}}`
  }
}

/** Every node of a tree, its root first. */
export function nodesOf(tree: Tree): Tree[] {
  if (tree.kind === 'raw') return [tree]
  const children = tree.kind === 'array' ? tree.items : tree.members.map(([, value]) => value)
  return [tree, ...children.flatMap(nodesOf)]
}
