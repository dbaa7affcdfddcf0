/**
 * The input of `CreateTable` for a line's table, or for another one with a stream. It is declared here, because the
 * SDK's type would make every application compile the SDK's 500 declaration files.
 */
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

/**
 * The request that creates a line's table: string keys `pk` and `sk`, on-demand billing, and a stream of new and old
 * images. A deployed table also has TTL on `expires` and point-in-time recovery, which `CreateTable` cannot set.
 */
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
