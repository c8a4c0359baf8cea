import { isBinary } from '../base/assets.ts'

/** The word that a person types to call the program; in a clone, npm finds it. */
export const PROGRAM_NAME = isBinary ? 'coatcheck' : 'npx coatcheck'
