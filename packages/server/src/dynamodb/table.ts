/** What `CreateTable` is asked for, of a line's table or of another with a stream. Written out rather than taken from the SDK, whose 500 declaration files every application would then compile. */
export interface TableRequest {
  readonly TableName: string
  readonly AttributeDefinitions: { readonly AttributeName: string; readonly AttributeType: 'S' | 'N' | 'B' }[]
  readonly KeySchema: { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[]
  readonly BillingMode: 'PAY_PER_REQUEST'
  readonly StreamSpecification?: {
    readonly StreamEnabled: boolean
    readonly StreamViewType: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'KEYS_ONLY'
  }
}

/** The request that creates a line's table. A deployed line's template says the same, and adds TTL on `expires` and point-in-time recovery. */
export function lineTable(name: string): TableRequest {
  return {
    TableName: name,
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }
}
