-- What `prisma migrate diff --from-empty --to-schema prisma/schema.prisma --script` is for, in a schema of its own.
drop schema if exists prisma_example cascade;
create schema prisma_example;

create table prisma_example."Customer" (
  "id" serial primary key,
  "name" text not null unique
);

create table prisma_example."Order" (
  "id" serial primary key,
  "item" text not null,
  "count" integer not null default 1,
  "customerId" integer not null references prisma_example."Customer" ("id")
);
