/** The store on DynamoDB, and the request that creates its table. */
export { createDynamoErasure, createDynamoStore, type DynamoStoreOptions } from './store.ts'
export { lineTable, type TableRequest } from './table.ts'
