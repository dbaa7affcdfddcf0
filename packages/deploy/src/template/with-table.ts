import type { Value } from './intrinsics.ts'
import type { ExistingTable } from './options.ts'
import type { Template } from './template.ts'

/** The template without its table: what refers to the table refers to one that exists. */
export function withTable({ Resources, Outputs, ...template }: Template, table: ExistingTable): Template {
  const { Table, ...others } = Resources
  return {
    ...template,
    Resources: replace(others, table) as Template['Resources'],
    Outputs: replace(Outputs, table) as Template['Outputs'],
  }
}

function replace(value: Value, table: ExistingTable): Value {
  if (typeof value === 'string') return value.replaceAll(`\${Table}`, table.name) // in the text of the dashboard
  if (Array.isArray(value)) return value.map((each) => replace(each, table))
  if (typeof value !== 'object' || value === null) return value
  const { Ref, 'Fn::GetAtt': attribute } = value as { readonly Ref?: string; readonly 'Fn::GetAtt'?: readonly string[] }
  if (Ref === 'Table') return table.name
  if (attribute?.[0] === 'Table') return attribute[1] === 'Arn' ? table.arn : table.streamArn
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replace(each, table)]))
}
