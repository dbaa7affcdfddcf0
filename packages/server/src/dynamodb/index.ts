/** The store on DynamoDB, and the table that it needs. */
export { createDynamoStore, type DynamoStoreOptions } from './store.ts'
export { lineTable } from './table.ts'
