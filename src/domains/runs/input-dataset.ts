export type InputDataset = {
  name: string
  digest: string
  sourceType: string
  source: string
  schema: string | null
  profile: string | null
}
