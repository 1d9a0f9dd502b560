/** `import-dataset` as a word of an identifier: `ImportDataset`. */
export function pascal(name: string): string {
  return name.replace(/(?:^|[-_])(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** `import-dataset` as the name of a variable: `importDataset`. */
export function camel(name: string): string {
  const word = pascal(name);
  return word.charAt(0).toLowerCase() + word.slice(1);
}

/** `import-dataset` in a sentence: `import dataset`. */
export function words(name: string): string {
  return name.replaceAll("-", " ");
}
