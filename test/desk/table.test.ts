import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readTable } from "../../src/desk/table.ts";

/** Lines of a file, as an editor shows them: the first is line 1. */
const csv = (...lines: string[]): string => lines.join("\n");
const rejectedLines = (text: string) => readTable(text).rejected.map(({ line }) => line);

describe("a CSV", () => {
  test("of a public data set is read whole: 3,376 airports", () => {
    const file = new URL("../../node_modules/vega-datasets/data/airports.csv", import.meta.url);
    const { columns, rows, rejected } = readTable(readFileSync(file, "utf8"));
    expect(columns).toEqual(["iata", "name", "city", "state", "country", "latitude", "longitude"]);
    expect(rows).toHaveLength(3_376);
    expect(rejected).toEqual([]);
    expect(rows[0]).toEqual({
      iata: "00M",
      name: "Thigpen",
      city: "Bay Springs",
      state: "MS",
      country: "USA",
      latitude: 31.95376472,
      longitude: -89.23450472,
    });
  });

  test("gives one row a line, with the columns that its first line names", () => {
    expect(readTable(csv("id,name", "1,Ada", "2,Grace"))).toEqual({
      columns: ["id", "name"],
      rows: [
        { id: "1", name: "Ada" },
        { id: "2", name: "Grace" },
      ],
      rejected: [],
    });
  });

  test("is the same with line ends of other systems, with a byte order mark, and with an end of the last line", () => {
    const expected = readTable(csv("id,name", "1,Ada", "2,Grace"));
    expect(readTable("id,name\r\n1,Ada\r\n2,Grace\r\n")).toEqual(expected);
    expect(readTable("id,name\r1,Ada\r2,Grace\r")).toEqual(expected);
    expect(readTable("\uFEFFid,name\n1,Ada\n2,Grace\n")).toEqual(expected);
    expect(readTable("id,name\n1,Ada\n2,Grace\n\n")).toEqual(expected);
  });

  test("keeps what stands in quotes: commas, quotes, line ends", () => {
    const { rows, rejected } = readTable(
      csv("id,name", '1,"Lovelace, Ada"', '2,"the ""amazing"" Grace"', '3,"two', 'lines"'),
    );
    expect(rows.map(({ name }) => name)).toEqual(["Lovelace, Ada", 'the "amazing" Grace', "two\nlines"]);
    expect(rejected).toEqual([]);
  });

  test("without any row is a table without rows", () => {
    expect(readTable("id,name\n")).toEqual({ columns: ["id", "name"], rows: [], rejected: [] });
  });

  test("may have one column", () => {
    expect(readTable(csv("name", "Ada", "Grace")).rows).toEqual([{ name: "Ada" }, { name: "Grace" }]);
  });

  test("may have columns that every object has", () => {
    expect(readTable(csv("id,constructor,toString", "1,a,b")).rows).toEqual([
      { id: "1", constructor: "a", toString: "b" },
    ]);
  });
});

describe("values", () => {
  test("are trimmed, and null where nothing stands", () => {
    expect(readTable(csv("id,name,city", "1, Ada ,", "2,,   ")).rows).toEqual([
      { id: "1", name: "Ada", city: null },
      { id: "2", name: null, city: null },
    ]);
  });

  test("are what the name of their column says: places on earth, numbers, dates; and text otherwise", () => {
    const header = "id,lat,lng,unit_price,release_date,zip";
    const { rows } = readTable(csv(header, "1,90,-180,1.5,2026-02-28,00123"));
    expect(rows).toEqual([
      { id: "1", lat: 90, lng: -180, unit_price: 1.5, release_date: "2026-02-28", zip: "00123" },
    ]);
  });

  test.each([
    ["lat", "90.1"],
    ["latitude", "-91"],
    ["longitude", "181"],
    ["lon", "east"],
    ["amount", "12 EUR"],
    ["amount", "1,5"],
    ["row_count", "Infinity"],
    ["price", "NaN"],
    ["date", "2026-02-30"],
    ["start_date", "28.02.2026"],
  ])("that are none are rejected: %s of %j", (column, value) => {
    const { rows, rejected } = readTable(csv(`id,${column}`, `1,"${value}"`));
    expect(rows).toEqual([]);
    expect(rejected).toMatchObject([{ line: 2, message: expect.stringContaining(column) as unknown }]);
  });

  test("of the first column name the row, and must be there", () => {
    expect(readTable(csv("id,name", ",Ada", "2,Grace"))).toMatchObject({
      rows: [{ id: "2" }],
      rejected: [{ line: 2, message: expect.stringContaining("id") as unknown }],
    });
  });

  test("may have 10,000 characters, and no more", () => {
    const { rows, rejected } = readTable(
      csv("id,note", `1,${"x".repeat(10_000)}`, `2,${"x".repeat(10_001)}`),
    );
    expect([rows.length, rejected.map(({ line }) => line)]).toEqual([1, [3]]);
  });
});

describe("a broken row", () => {
  test("is counted, and listed with its line and what is wrong; the others are loaded", () => {
    const { rows, rejected } = readTable(csv("id,lat", "1,10", "2", "3,30,30", "4,400", "5,50"));
    expect(rows).toEqual([
      { id: "1", lat: 10 },
      { id: "5", lat: 50 },
    ]);
    expect(rejected).toEqual([
      { line: 3, message: "has 1 values where the header names 2 columns" },
      { line: 4, message: "has 3 values where the header names 2 columns" },
      { line: 5, message: expect.stringContaining("lat") as unknown },
    ]);
  });

  test("whose quote is never closed is rejected, and not loaded with half of the file in one value", () => {
    const { rows, rejected } = readTable(csv("id,name", "1,Ada", '2,"Grace', "3,Edsger"));
    expect(rows).toEqual([{ id: "1", name: "Ada" }]);
    expect(rejected).toMatchObject([{ line: 3 }]);
  });

  test("whose quote is never closed is rejected after empty lines, too", () => {
    const { rows, rejected } = readTable(csv("id,name", "", "1,Ada", "", '2,"Grace', "3,Edsger"));
    expect(rows).toEqual([{ id: "1", name: "Ada" }]);
    expect(rejected).toMatchObject([{ line: 5 }]);
  });

  test("has the line that an editor shows after empty lines", () => {
    expect(rejectedLines(csv("id,name", "1,Ada", "", "   ", "2", "", "3"))).toEqual([5, 7]);
  });

  test("has the line that an editor shows after quoted line ends", () => {
    expect(rejectedLines(csv("id,name", '1,"two', 'lines"', "2", '3,"and', "three", 'lines"', "4"))).toEqual([
      4, 8,
    ]);
  });

  test("has the line that it begins on, if it goes over several", () => {
    expect(rejectedLines(csv("id,name", "1,Ada", '2,"two', 'lines",more'))).toEqual([3]);
  });

  test("has the line that an editor shows with the line ends of Windows", () => {
    expect(rejectedLines('id,name\r\n1,"two\r\nlines"\r\n\r\n2\r\n')).toEqual([5]);
  });

  test("has the line that an editor shows after a byte order mark, as spreadsheets write it", () => {
    expect(rejectedLines("\uFEFFid,name\n1,Ada\n2\n3,Grace\n4")).toEqual([3, 5]);
    expect(rejectedLines("\uFEFFid,name\r\n1,Ada\r\n2\r\n3,Grace\r\n4")).toEqual([3, 5]);
  });

  test("has the line that an editor shows below a header that is not on the first line", () => {
    expect(rejectedLines(csv("", "id,name", "1"))).toEqual([3]);
  });
});

describe("a CSV that cannot be read at all is refused, and the message says what is missing", () => {
  test.each(["", "\n", "   \n\n", "\uFEFF"])("because it is empty: %j", (text) => {
    expect(() => readTable(text)).toThrow("empty");
  });

  test.each([
    ["it has no header", csv("1,Ada", "2,Grace"), '"1"'],
    ["a column has no name", csv("id,,name", "1,2,3"), '""'],
    ["a column has an odd name", csv("id,<script>", "1,2"), '"<script>"'],
    ["a column has a name of 65 characters", csv(`id,${"x".repeat(65)}`, "1,2"), "xxx"],
  ])("because %s", (_, text, named) => {
    expect(() => readTable(text)).toThrow("no header");
    expect(() => readTable(text)).toThrow(named);
  });

  test("because a column has a name that no object keeps, so that its values would be lost", () => {
    expect(() => readTable(csv("id,__proto__,name", "1,a,Ada"))).toThrow('"__proto__"');
  });

  test("because a column is there twice, also if only spaces tell the two apart", () => {
    expect(() => readTable(csv("id,name,name", "1,2,3"))).toThrow('"name"');
    expect(() => readTable(csv("id,name, name ", "1,2,3"))).toThrow("twice");
  });
});
