export { addGoldenItems, applyGolden, getGolden, goldenDigest, listGolden, pushGolden } from './golden.ts'
