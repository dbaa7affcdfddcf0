// One file over 200 lines: a form is built and read by the same cases of a schema.

import type { JsonSchema } from '../data-source.ts'
import { FieldError, make, makeButton, makeField, makeSelect } from './element.ts'

/** A part of a form. `read` throws an `Error` that says which field is wrong and what was expected. */
interface Part {
  readonly element: HTMLElement
  read(): unknown
}

/** A form for a value, with a text of JSON as the other way to enter it. */
export interface SchemaForm {
  readonly element: HTMLElement
  /** The value. Throws an `Error` that says what is wrong. */
  read(): unknown
}

const deepest = 5 // levels of nested fields; deeper ones are a text of JSON
const formats: Readonly<Record<string, string>> = {
  'date-time': 'A date, such as 2026-12-31T23:59:59Z',
  date: 'A day, such as 2026-12-31',
  email: 'An address, such as ann@example.com',
  uri: 'An address, such as https://example.com',
  uuid: 'A UUID; this one is new',
}
const longText = 200 // characters above which a text gets several lines

/** Creates a form from a JSON Schema. A schema that no form can express gets a text of JSON. */
export function createSchemaForm(schema: JsonSchema, legend: string, initial?: unknown): SchemaForm {
  const root = merge(schema)
  const isPlain = canShow(root, root)
  let part = isPlain ? buildPart({ schema: root, root, name: legend, depth: 0 }, initial) : buildJson(legend, initial)
  if (!isPlain) return { element: make('div', { class: 'form' }, part.element), read: () => part.read() }
  const box = make('div', { class: 'form' }, part.element)
  const toggle = makeButton('Edit as JSON', () => onToggle(), { 'aria-pressed': 'false', class: 'small' })
  box.append(toggle)
  const isJson = () => toggle.getAttribute('aria-pressed') === 'true'
  function onToggle(): void {
    let value: unknown
    try {
      value = part.read()
    } catch {
      value = initial // what is wrong in one way is not carried to the other
    }
    toggle.setAttribute('aria-pressed', String(!isJson()))
    part = isJson() ? buildJson(legend, value) : buildPart({ schema: root, root, name: legend, depth: 0 }, value)
    box.firstElementChild?.replaceWith(part.element)
  }
  return { element: box, read: () => part.read() }
}

/** What a part is built from. */
interface Spec {
  readonly schema: JsonSchema
  /** The whole schema, which has the definitions. */
  readonly root: JsonSchema
  readonly name: string
  readonly depth: number
}

function buildPart(spec: Spec, initial: unknown): Part {
  const schema = resolve(spec.schema, spec.root)
  const value = initial ?? schema['default']
  const known = { ...spec, schema }
  if (spec.depth > deepest || !canShow(schema, spec.root)) return buildJson(spec.name, value)
  if (schema['const'] !== undefined) return buildConst(known)
  if (Array.isArray(schema['enum'])) return buildEnum(known, schema['enum'], value)
  const choices = choicesOf(schema)
  if (choices !== undefined) return buildChoice(known, choices, value)
  switch (schema['type']) {
    case 'object':
      return buildObject(known, value)
    case 'array':
      return buildArray(known, value)
    case 'boolean':
      return buildBoolean(known, value)
    case 'null':
      return buildConst({ ...known, schema: { const: null } })
    case 'number':
    case 'integer':
      return buildNumber(known, value)
    case 'string':
      return buildText(known, value)
    default:
      return buildJson(spec.name, value)
  }
}

function buildText({ schema, name }: Spec, value: unknown): Part {
  const most = Number(schema['maxLength'] ?? 0)
  const control = (
    most > longText ? make('textarea', { rows: '3' }) : make('input', { type: 'text', autocomplete: 'off' })
  ) as HTMLInputElement
  if (most > 0) control.maxLength = most
  const { format } = schema
  // nobody types one
  control.value = typeof value === 'string' ? value : format === 'uuid' ? crypto.randomUUID() : ''
  const note = describe(schema) || (formats[String(format)] ?? '')
  return { element: makeField(name, control, note), read: () => control.value }
}

function buildNumber({ schema, name }: Spec, value: unknown): Part {
  const control = make('input', {
    type: 'number',
    step: schema['type'] === 'integer' ? '1' : 'any',
  }) as HTMLInputElement
  control.value = typeof value === 'number' ? String(value) : ''
  return {
    element: makeField(name, control, describe(schema)),
    read() {
      if (control.value === '') throw new FieldError(control, `${name}: expected a number, got none.`)
      return Number(control.value)
    },
  }
}

function buildBoolean({ schema, name }: Spec, value: unknown): Part {
  const control = make('input', { type: 'checkbox' }) as HTMLInputElement
  control.checked = value === true
  return { element: makeField(name, control, describe(schema)), read: () => control.checked }
}

function buildConst({ schema, name }: Spec): Part {
  const value = schema['const']
  const shown = make('output', { class: 'code' }, JSON.stringify(value))
  return { element: makeField(name, shown), read: () => value }
}

function buildEnum({ schema, name }: Spec, values: readonly unknown[], value: unknown): Part {
  const control = makeSelect(values.map((one, index) => [String(index), String(one)]))
  control.value = String(Math.max(0, values.indexOf(value)))
  return { element: makeField(name, control, describe(schema)), read: () => values[Number(control.value)] }
}

/** One of several schemas. */
function buildChoice(spec: Spec, choices: readonly JsonSchema[], value: unknown): Part {
  const control = makeSelect(choices.map((one, index) => [String(index), titleOf(resolve(one, spec.root), index)]))
  const fitting = choices.findIndex((one) => fits(resolve(one, spec.root), value))
  control.value = String(Math.max(0, fitting))
  const build = (given: unknown) => {
    const schema = choices[Number(control.value)] ?? {}
    return buildPart({ ...spec, schema, depth: spec.depth + 1 }, given)
  }
  let part = build(value)
  const box = make('div', { class: 'nested' }, part.element)
  control.addEventListener('change', () => {
    part = build(undefined)
    box.replaceChildren(part.element)
  })
  return { element: make('div', {}, makeField(`${spec.name}: kind`, control), box), read: () => part.read() }
}

function buildObject({ schema, root, name, depth }: Spec, value: unknown): Part {
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  const given = Object(value) as Readonly<Record<string, unknown>>
  const parts = Object.entries(Object(schema['properties']) as Readonly<Record<string, JsonSchema>>).map(
    ([member, inner]) => {
      const spec = { schema: inner, root, name: member, depth: depth + 1 }
      const part = buildPart(spec, given[member])
      return { member, part: required.includes(member) ? part : optional(spec, part, given[member] !== undefined) }
    },
  )
  const fields = parts.map(({ part }) => part.element)
  const none = fields.length === 0 ? [make('p', { class: 'soft' }, 'No fields.')] : []
  return {
    element: make('fieldset', {}, make('legend', {}, name), ...fields, ...none),
    read: () => Object.fromEntries(parts.map(({ member, part }) => [member, part.read()])),
  }
}

/** A field that is left out unless it is chosen. */
function optional({ name }: Spec, part: Part, isGiven: boolean): Part {
  const chosen = make('input', { type: 'checkbox', 'aria-label': `Send ${name}` }) as HTMLInputElement
  chosen.checked = isGiven
  const box = make('div', { class: 'optional' }, chosen, part.element)
  part.element.addEventListener('input', () => {
    chosen.checked = true
  })
  return { element: box, read: () => (chosen.checked ? part.read() : undefined) }
}

function buildArray({ schema, root, name, depth }: Spec, value: unknown): Part {
  const inner = (schema['items'] ?? {}) as JsonSchema
  const parts: Part[] = []
  const list = make('div', {})
  const add = (given?: unknown) => {
    const partName = `${name} ${parts.length + 1}`
    const part = buildPart({ schema: inner, root, name: partName, depth: depth + 1 }, given)
    const box = make('div', { class: 'item' }, part.element)
    const onRemove = () => {
      parts.splice(parts.indexOf(part), 1)
      box.remove()
      adder.focus()
    }
    const remove = makeButton('Remove', onRemove, { 'aria-label': `Remove ${partName}` })
    box.append(remove)
    parts.push(part)
    list.append(box)
  }
  const least = Number(schema['minItems'] ?? 0)
  const given: readonly unknown[] = Array.isArray(value) ? value : Array.from({ length: Math.min(10, least) })
  const adder = makeButton(`Add to ${name}`, () => add(), { class: 'small' })
  for (const one of given) add(one)
  return {
    element: make('fieldset', {}, make('legend', {}, name), list, adder),
    read: () => parts.map((part) => part.read()),
  }
}

function buildJson(name: string, value: unknown): Part {
  const control = make('textarea', { rows: '6', class: 'code', spellcheck: 'false' }) as HTMLTextAreaElement
  control.value = value === undefined ? '' : JSON.stringify(value, null, 2)
  return {
    element: makeField(`${name} as JSON`, control),
    read() {
      if (control.value.trim() === '') return undefined
      try {
        return JSON.parse(control.value) as unknown
      } catch (error) {
        throw new FieldError(control, `${name}: expected JSON. ${error instanceof Error ? error.message : ''}`)
      }
    },
  }
}

/** Whether fields can express a schema. */
function canShow(schema: JsonSchema, root: JsonSchema): boolean {
  const own = resolve(schema, root)
  if (own['const'] !== undefined || Array.isArray(own['enum']) || choicesOf(own) !== undefined) return true
  if (own['type'] === 'object') return typeof own['properties'] === 'object'
  if (own['type'] === 'array') return typeof own['items'] === 'object' && !Array.isArray(own['items'])
  return typeof own['type'] === 'string'
}

function choicesOf(schema: JsonSchema): readonly JsonSchema[] | undefined {
  const choices = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(choices)) return choices
  const types = schema['type']
  return Array.isArray(types) ? types.map((type) => ({ ...schema, type })) : undefined
}

/** Several objects that all apply, such as the inputs of a procedure, become one. */
function merge(schema: JsonSchema): JsonSchema {
  const all: unknown = schema['allOf']
  if (!Array.isArray(all)) return schema
  const parts = (all as readonly JsonSchema[]).map((one) => merge(resolve(one, one)))
  if (parts.some(({ type, definitions }) => type !== 'object' || definitions !== undefined)) return {}
  const requiredOf = ({ required }: JsonSchema) => (Array.isArray(required) ? (required as readonly string[]) : [])
  return {
    type: 'object',
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
    required: parts.flatMap(requiredOf),
  }
}

/** Follows a reference to the definitions of the whole schema. */
function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  if (reference === '#') return root
  const name = reference.replace(/^#\/(definitions|\$defs)\//, '')
  const definitions = (root['definitions'] ?? root['$defs'] ?? {}) as Readonly<Record<string, JsonSchema>>
  return definitions[decodeURIComponent(name)] ?? {}
}

function fits(schema: JsonSchema, value: unknown): boolean {
  if (value === undefined) return false
  if (schema['const'] !== undefined) return schema['const'] === value
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  if (type === 'number' && schema['type'] === 'integer') return Number.isInteger(value)
  if (type !== 'object') return schema['type'] === type
  const properties = Object(schema['properties']) as Readonly<Record<string, JsonSchema>>
  return Object.entries(properties).every(
    ([name, inner]) => inner['const'] === undefined || inner['const'] === Reflect.get(Object(value), name),
  )
}

/** Names one of several schemas: by its title, a constant member such as `type: said`, or its type. */
function titleOf(schema: JsonSchema, index: number): string {
  if (typeof schema['title'] === 'string') return schema['title']
  if (schema['const'] !== undefined) return JSON.stringify(schema['const'])
  const properties = Object(schema['properties']) as Readonly<Record<string, JsonSchema>>
  const [named] = Object.entries(properties).filter(([, inner]) => inner['const'] !== undefined)
  if (named !== undefined) return `${named[0]}: ${named[1]['const']}`
  return typeof schema['type'] === 'string' ? schema['type'] : `kind ${index + 1}`
}

function describe(schema: JsonSchema): string {
  if (typeof schema['description'] === 'string') return schema['description']
  const range = ([low, high]: readonly [unknown, unknown], what: string) => {
    if (low === undefined && high === undefined) return ''
    if (high === undefined || Number(high) >= Number.MAX_SAFE_INTEGER)
      return `At least ${low ?? 0}${low === 1 ? what.replace(/s$/, '') : what}`
    return `${low === undefined || Number(low) <= Number.MIN_SAFE_INTEGER ? 'At most' : `${low} to`} ${high}${what}`
  }
  return (
    range([schema['minLength'], schema['maxLength']], ' characters') ||
    range([schema['minimum'], schema['maximum']], '')
  )
}
