import { documentsUrl, errorDocs, lineErrors, type TrunklineErrorCode } from '@trunkline/protocol'

const commandLine = `${documentsUrl}/reference/command-line.md`
const errors = `${documentsUrl}/reference/errors.md`

/** The codes of tRPC that have a heading of their own in docs/reference/errors.md. */
const documentedCodes: ReadonlySet<string> = new Set([
  ...['BAD_REQUEST', 'UNAUTHORIZED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED'],
  ...['METHOD_NOT_SUPPORTED', 'UNSUPPORTED_MEDIA_TYPE', 'PARSE_ERROR', 'INTERNAL_SERVER_ERROR'],
])

/** How a command finds its line. */
export const lineDocs = `${commandLine}#the-line-that-a-command-works-on`
/** Why the client of a command has no connection. */
export const connectionDocs = `${errors}#causes-of-a-connection`

/** The address of a command's part of docs/reference/command-line.md; that of the page without a command. */
export function commandDocs(name: string | undefined): string {
  return name === undefined ? commandLine : `${commandLine}#trunkline-${name.replaceAll(' ', '-')}`
}

/** The address of what an error's code means: a code of Trunkline, or of tRPC. */
export function codeDocs(code: string): string {
  if (Object.hasOwn(lineErrors, code)) return errorDocs(code as TrunklineErrorCode)
  return `${errors}#${documentedCodes.has(code) ? code.toLowerCase() : 'codes-of-trpc'}`
}
