create table "Customer" (
  "id" serial primary key,
  "name" text not null unique
);

create table "Order" (
  "id" serial primary key,
  "item" text not null,
  "count" integer not null default 1,
  "price" decimal(65, 30) not null default 0,
  "tags" text[],
  "details" jsonb,
  "paidAt" timestamptz(6),
  "customerId" integer not null references "Customer" ("id")
);
