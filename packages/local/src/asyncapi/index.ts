/** AsyncAPI 3 documents of what an entry's handlers serve, as `trunkline asyncapi` writes them. */
export { type DocumentOptions, describeApplication } from './document.ts'
export { loadApplication } from './load-application.ts'
export { type DocumentSettings, writeDocument } from './write-document.ts'
