import { describe, expect, it } from "vitest";
import { checkTemplate, fillTemplate } from "../../proto/template.js";

const values = { now: new Date(2026, 0, 2, 9, 3, 5), host: "n1", pid: 42 };

describe("templates", () => {
  it.each([
    ["w{{HHMMSS}}", "w090305"],
    ["{{YYYYMMDD}}-{{ HHMMSS }}", "20260102-090305"],
    ["{{HOST}}-{{PID}}", "n1-42"],
    ["{{NAME}}{{JOB}}.log", ".log"],
    ["plain {x} %j", "plain {x} %j"],
  ])("%s gives %s", (text, filled) => {
    expect(fillTemplate(text, values)).toBe(filled);
  });

  it("may name the worker and its job", () => {
    expect(fillTemplate("logs/{{NAME}}.{{JOB}}", { ...values, name: "w7", job: "12_3" })).toBe(
      "logs/w7.12_3",
    );
  });

  it.each([
    ["w{{hhmmss}}", /^{{hhmmss}} is not known; did you mean {{HHMMSS}}\?$/],
    ["{{}}", /^{{}} is not known; there are {{HHMMSS}}, .*{{JOB}}$/],
  ])("%s is refused", (text, message) => {
    expect(() => checkTemplate(text)).toThrow(message);
  });
});
