/** The store on DynamoDB, and the table that it needs. */
export { createDynamoStore, type DynamoStoreOptions } from './store.ts'
export { lineTable, type TableRequest } from './table.ts'
