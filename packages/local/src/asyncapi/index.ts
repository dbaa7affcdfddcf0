/** AsyncAPI 3 documents of an entry's handlers, as `trunkline asyncapi` writes them. */
export { type DocumentOptions, describeApplication } from './document.ts'
export { loadApplication } from './load-application.ts'
export { type DocumentSettings, writeDocument } from './write-document.ts'
