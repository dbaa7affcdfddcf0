import type { Change, ImageOf, ImageSchema, InvalidRow } from '../../define/source.ts'
import type { SourceRecord } from './source-records.ts'

type Issue = InvalidRow['issues'][number]
type Which = 'newImage' | 'oldImage'
type Validated = { readonly value: unknown; readonly issues: readonly Issue[] }

const imagesOf: Readonly<Record<SourceRecord['type'], readonly Which[]>> = {
  insert: ['newImage'],
  modify: ['newImage', 'oldImage'],
  remove: ['oldImage'],
}

/** Validates the images of a record. Never rejects: if the schema throws, that is an issue of the row. */
export async function validateChange<S extends ImageSchema>(
  schema: S,
  record: SourceRecord,
): Promise<{ readonly change: Change<ImageOf<S>> } | { readonly issues: readonly Issue[] }> {
  const which = imagesOf[record.type]
  const validated = await Promise.all(which.map((name) => validate(schema, record, name)))
  const issues = validated.flatMap((image) => image.issues)
  if (issues.length > 0) return { issues }
  const images = Object.fromEntries(which.map((name, index) => [name, validated[index]?.value]))
  const { type, at, expired } = record
  const change = { type, ...images, at, ...(type === 'remove' && { expired }) }
  return { change: change as unknown as Change<ImageOf<S>> } // each type has the images of `imagesOf`
}

async function validate(schema: ImageSchema, record: SourceRecord, name: Which): Promise<Validated> {
  try {
    const parsed = await schema['~standard'].validate(record[name])
    if (parsed.issues === undefined) return { value: parsed.value, issues: [] }
    return { value: undefined, issues: parsed.issues.map((issue) => within(name, issue as Issue)) } // zod's own issues
  } catch (thrown) {
    const message = `The schema threw: ${thrown instanceof Error ? thrown.message : String(thrown)}`
    return { value: undefined, issues: [{ code: 'custom', path: [name], message, input: undefined }] }
  }
}

function within(name: Which, issue: Issue): Issue {
  return { ...issue, path: [name, ...issue.path] }
}
